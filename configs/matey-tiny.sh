#!/bin/bash
# Makes the model that comes with matey: its data, its training in two stages, and what is shared of it.
#   bash configs/matey-tiny.sh            55 and 12 minutes of training, as it was made on one core
#   bash configs/matey-tiny.sh 480 60     a night; on a GPU, or on more cores, more steps in that time
# The same command goes on after an interruption. All of it lies in the folder FOLDER.
set -euo pipefail
first=${1:-55}
second=${2:-12}
mkdir -p "${FOLDER:=matey-tiny}/data/first" "$FOLDER/data/second"
cd "$FOLDER"

simulate() { # a folder below data/, then what matey simulate takes
    local out=data/$1 done
    shift
    done=$out/$(printf %s "$*" | tr -c 'a-z0-9.' _).done
    [ -e "$done" ] || { matey simulate "$@" --store --out "$out" --seed 9000 --overwrite; touch "$done"; }
}

# First: periodic and open flows, waves and reactions on grids of 64² and 256, and one of 16³.
for simulator in diffusion-reaction shallow-water incompressible-flow vorticity burgers-2d; do
    simulate first $simulator --grid 64 --samples 40 --steps 40
done
for simulator in advection-2d heat-2d; do
    simulate first $simulator --grid 64 --samples 20 --steps 40
done
for mach in 0.1 1.0; do
    for viscosity in 0.01 0.1; do
        simulate first compressible-flow --grid 64 --samples 24 --set start=random --set mach=$mach --set eta=$viscosity --set zeta=$viscosity
    done
    simulate first compressible-flow --grid 64 --samples 24 --set start=turbulence --set mach=$mach --set eta=1e-8 --set zeta=1e-8
done
simulate first advection-1d --grid 256 --samples 40 --steps 40 --set beta=0.4
simulate first burgers-1d --grid 256 --samples 40 --steps 40 --set nu=0.01
simulate first reaction-diffusion-1d --grid 256 --samples 40 --steps 40 --set nu=0.5 --set rho=1.0
simulate first compressible-flow --grid 256 --samples 40 --steps 40 --set dimension=1 --set eta=0.1 --set zeta=0.1
simulate first compressible-flow --grid 16 --samples 12 --set dimension=3 --set start=random --set mach=1.0 --set eta=1e-8 --set zeta=1e-8

# Second, beside all of the first: air under gravity, with one bubble or a cold current, and a lid-driven cavity.
simulate second colliding-thermals --grid 64 --samples 40 --set case=thermal --set amplitude_1=-20:20 --set center_x_1=5000:15000 --set center_z_1=2000:7000 --set radius_1=1200:2200
simulate second colliding-thermals --grid 64 --samples 40 --set case=density_current --set amplitude_1=-25:-10 --set center_x_1=5000:15000 --set center_z_1=4000:6500 --set radius_1=1200:2200
simulate second mhd-cavity --grid 64 --samples 24 --steps 60 --set stuart=0
mkdir -p data/both/zarr
cp -rn data/first/zarr/. data/second/zarr/. data/both/zarr/

train() { # a command, a name, minutes, then options
    local command=$1 name=$2 minutes=$3
    shift 3
    if [ -e "runs/$name/config.toml" ]; then
        matey "$command" --resume --name "$name" --minutes "$minutes"
    else
        matey "$command" "$@" --name "$name" --minutes "$minutes" --set batch_size=8
    fi
}
train pretrain first "$first" --data data/first --max-lead 4 --preset ti --set model.depth=0
train finetune matey-tiny "$second" runs/first --data data/both --set max_lead=1 \
    --weights 2D_thermals_thermal_Train=4,2D_thermals_density_current_Train=4,2D_MHD_cavity_Train=4
matey push matey-tiny matey/tiny --half --data-license MIT --hub weights
sed -i 's|hub:matey/tiny|matey-tiny|' weights/matey/tiny/README.md
