# The README's commands on simulated data, on the CPU:
#   docker build -t matey . && docker run --rm matey
# One command, on your files and with your own user:
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" -w /work matey matey profile
FROM python:3.11-slim

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /opt/matey

# PyTorch alone and first, as in the Makefile: from PyPI it would bring gigabytes of CUDA.
COPY constraints.txt ./
RUN pip install --index-url https://download.pytorch.org/whl/cpu \
    "$(sed -n 's/^torch==/torch==/p' constraints.txt)"

COPY . .
RUN pip install -c constraints.txt .

RUN useradd --create-home matey
USER matey
WORKDIR /home/matey
CMD ["python", "/opt/matey/bench/demo.py", "--folder", "demo"]
